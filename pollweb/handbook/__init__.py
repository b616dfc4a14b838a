"""The pages at /docs: guides from the Markdown in docs/, and the reference of the API."""
