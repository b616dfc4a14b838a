"""The auth API: who somebody is, their domains and tokens, for programs. Its pages are the site's team pages."""
