"""How a password is compared with a hash of each accepted scheme, a file for each family.

Each `matches` gets the password's bytes and a string that `schemas.password_hashes` has accepted. So it neither checks
the string again nor bounds its cost. Digests are compared in constant time.
"""
