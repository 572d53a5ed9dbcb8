-- The words of numbered answers.
insert into search_posting by name
select
    unnest(search_words(prediction.answer)) as word,
    search_answer.run_number,
    search_answer.item_number
from search_answer
join search_run using (run_number)
join search_item using (item_number)
join stored_prediction as prediction
    on prediction.run_id = search_run.run_id and prediction.item_id = search_item.item_id
where search_answer.answer_number in (select unnest($numbers::bigint[]))
order by word, run_number, item_number
