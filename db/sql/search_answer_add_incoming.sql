-- Note the answers that were just stored, to items that are in the index; their words follow.
insert into search_answer by name
select search_run.run_number, search_item.item_number
from incoming_prediction as prediction
join search_run using (run_id)
join search_item using (item_id)
where prediction.answer is not null
returning answer_number
