"""One script a page: read state, call logic or a service, draw components, bind callbacks."""
