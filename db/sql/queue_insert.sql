insert into queue by name
select
    $queue_id as queue_id,
    $name as name,
    $run_id as run_id,
    $filter as filter,
    $order as item_order,
    $seed::bigint as seed,
    $num_reviewers::integer as num_reviewers,
    $mode as mode,
    $sharing as sharing,
    $reviewer_ids::varchar[] as reviewer_ids,
    $repeat_share::double as repeat_share,
    $design as design,
    $created_at::timestamp as created_at,
    $created_by as created_by
