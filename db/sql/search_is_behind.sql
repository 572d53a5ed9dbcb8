-- Whether items or answers were written past the functions that keep the index.
select
    (select count(*) from imported_item) <> (select count(*) from search_item)
    or (select count(answer) from stored_prediction) <> (select count(*) from search_answer)
