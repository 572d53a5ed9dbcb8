delete from search_answer
