"""The page of a cell: the answer first, then where it fails, then what it was made from."""
