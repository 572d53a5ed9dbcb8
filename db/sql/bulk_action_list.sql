-- Newest first. batch_id: only this one; all where it is null.
select
    bulk_action.batch_id, bulk_action.kind, bulk_action.reviewer_id, bulk_action.num_items,
    bulk_action.created_at, bulk_undo.created_at as undone_at
from bulk_action
left join bulk_undo using (batch_id)
where $batch_id is null or batch_id = $batch_id
order by bulk_action.created_at desc, batch_id
