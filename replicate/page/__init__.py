"""The explorer's page: its HTML, style and script, and a picture of it."""
