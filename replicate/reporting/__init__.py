"""What a reader sees of the results: figures, tables and texts."""

import os

os.environ["MPLBACKEND"] = "agg"  # a notebook passes its own on, which matplotlib may not know here
