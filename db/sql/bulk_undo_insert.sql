insert into bulk_undo by name
select $batch_id as batch_id, $reviewer_id as reviewer_id, $created_at::timestamp as created_at
