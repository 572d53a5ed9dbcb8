insert into guideline by name
select
    $label_set as label_set, $body as body, $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at
returning guideline_number::varchar as version, label_set, body, reviewer_id, created_at
