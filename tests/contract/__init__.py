"""The API beside its description, as strangers to the code would test it."""
