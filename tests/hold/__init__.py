"""`make hold`: what must hold when things break or somebody attacks, check by check, with figures.

The checks are C01 to C43. `table.py` says which tests show each of them: most lie beside the code that they are about,
and those that need a whole installation lie here. FULL=1 takes the full sizes where a test has them.
"""
