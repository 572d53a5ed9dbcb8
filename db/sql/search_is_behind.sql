-- Whether items or answers were written past the functions that keep the index.
select
    (select count(*) from item) <> (select count(*) from search_item)
    or (select count(answer) from prediction) <> (select count(*) from search_answer)
