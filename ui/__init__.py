"""Scripts, styles and icons of the pages: an npm project, and the step that builds it (`python -m ui`)."""
