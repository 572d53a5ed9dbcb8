delete from search_item
