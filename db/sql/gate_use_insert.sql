insert into gate_use by name
select
    coalesce($champion, '') as champion_run_id, $challenger as challenger_run_id,
    $test_digest as test_digest, $reviewer_id as reviewer_id, $created_at::timestamp as created_at
where not exists (
    from gate_use
    where champion_run_id = coalesce($champion, '') and challenger_run_id = $challenger
)
