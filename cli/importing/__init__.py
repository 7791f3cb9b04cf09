"""Reads a file of customers, in whatever form it comes, as the rows of a batch. Knows neither HTTP nor the service."""
