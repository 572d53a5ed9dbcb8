insert into adjudication by name
select
    $adjudication_id as adjudication_id, $item_id as item_id, $reviewer_id as reviewer_id,
    $label as label, $reason as reason, $note as note, $old_label as old_label,
    $old_origin as old_origin, $created_at::timestamp as created_at,
    (select version from every_item where item_id = $item_id) as item_version
on conflict do nothing
