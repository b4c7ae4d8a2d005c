"""One module for each question that is asked of a trained run. A measure neither reads nor writes files."""
