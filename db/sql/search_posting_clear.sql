delete from search_posting
