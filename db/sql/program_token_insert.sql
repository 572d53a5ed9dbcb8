insert into program_token by name
select
    $token_id as token_id,
    $token_hash as token_hash,
    $reviewer_id as reviewer_id,
    $created_by as created_by,
    $created_at::timestamp as created_at
