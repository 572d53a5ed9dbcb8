insert into signature by name
select
    $signed_kind as signed_kind, $signed_id as signed_id, $reviewer_id as reviewer_id,
    $name as name, $meaning as meaning, $salt as salt,
    sealed($salt, $name, null, null) as seal, $created_at::timestamp as created_at
on conflict do nothing
