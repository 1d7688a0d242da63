"""The results of a workspace as a static site: gathered from the tables, written as scripts that hold only data."""
