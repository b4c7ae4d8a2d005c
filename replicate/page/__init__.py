"""The explorer's page: what it holds, its HTML, style and script, and a picture of it."""
