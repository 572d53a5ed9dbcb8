insert into adjudication by name
select
    $adjudication_id as adjudication_id, $item_id as item_id, $reviewer_id as reviewer_id,
    $label as label, $note as note, $created_at::timestamp as created_at
on conflict do nothing
