-- An earlier version noted texts as indexed and added their words in two transactions: killed between
-- them, it left up to 50,000 texts that no search finds. Where that has happened the index is emptied;
-- db/search.py fills it when the file is opened.
create temp table search_gap as
select exists (
    from search_item
    anti join search_posting
        on search_posting.run_number = 0 and search_posting.item_number = search_item.item_number
    union all by name
    select item_number, item_id
    from (
        from search_answer
        anti join search_posting
            on search_posting.run_number = search_answer.run_number
            and search_posting.item_number = search_answer.item_number
    )
    join search_run using (run_number)
    join search_item using (item_number)
    join prediction using (run_id, item_id)
    where len(search_words(prediction.answer)) > 0
) as is_there;

delete from search_posting where (select is_there from search_gap);
delete from search_answer where (select is_there from search_gap);
delete from search_item where (select is_there from search_gap);
drop table search_gap;
