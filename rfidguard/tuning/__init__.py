"""Settings tried on what a site has recorded: shadow replay, comparison, and what the site's own history speaks for. Pure."""
