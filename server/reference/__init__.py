"""The pages for whoever comes by browser: the reference of the REST paths at `/docs`, and what there is at `/`."""
