"""The stages that measure one run, a module each, by what it measures."""
