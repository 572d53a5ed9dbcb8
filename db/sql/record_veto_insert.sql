insert into record_veto by name
select
    $item_id as item_id, $num_shots::integer as num_shots, $is_vetoed as is_vetoed,
    $note as note, $reviewer_id as reviewer_id, $created_at::timestamp as created_at
