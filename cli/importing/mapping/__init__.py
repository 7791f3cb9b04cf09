"""Maps the records of a file onto the fields of a customer, and makes rows of them that the service takes."""
