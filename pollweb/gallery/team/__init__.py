"""A team's own pages that show generations: Overview, Library, Requests."""
