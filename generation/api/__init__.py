"""The doors for programs: read the request, ask intake, write the answer. Native async, no session, no cookie."""
