-- Note answers of a run that are not in the index, at most $limit of them; their words follow.
insert into search_answer by name
select search_run.run_number, search_item.item_number
from stored_prediction as prediction
join search_run using (run_id)
join search_item using (item_id)
anti join search_answer
    on search_answer.run_number = search_run.run_number
    and search_answer.item_number = search_item.item_number
where prediction.answer is not null and prediction.run_id = $run_id
limit $limit
returning answer_number
