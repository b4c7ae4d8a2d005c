"""How fast the project is; see README.md beside this file."""

import replicate  # noqa: F401  # it says how threads wait, which has to be said before PyTorch is loaded
