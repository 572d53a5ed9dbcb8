insert into label_set by name
select
    $name as name,
    $version::integer as version,
    $kind as kind,
    $labels::struct(
        name varchar, short_name varchar, key varchar, definition varchar, synonyms varchar[], codes varchar[]
    )[] as labels,
    $moves::struct(label varchar, moved_to varchar)[] as moves,
    $reason as reason,
    $reviewer_id as reviewer_id,
    $created_at::timestamp as created_at
