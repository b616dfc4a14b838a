"""What pollweb costs, measured: `make bench`."""
