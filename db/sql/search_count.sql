select
    (select count(*) from search_item),
    (select count(*) from search_answer),
    (select count(*) from search_posting)
