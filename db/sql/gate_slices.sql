-- How many items of each slice of the test split the second run fixes and breaks.
with paired as (
    select
        item.source,
        nullif(json_extract_string(item.metadata, '$.step'), '') as step,
        case
            when len(item.context) = 0 then 'no context'
            when list_sum([len(string_split(part."text", ' ')) for part in item.context]) < 200
                then 'under 200 words of context'
            else '200 words of context or more'
        end as length_range,
        item.label_set || ', ' || len(item.labels) || ' labels' as kind,
        a.head_label = gold.label as is_right_a,
        b.head_label = gold.label as is_right_b
    from prediction as b
    join item on item.item_id = b.item_id
    join gold on gold.item_id = b.item_id
    join prediction as a on a.item_id = b.item_id and a.run_id = $run_a
    where b.run_id = $run_b
        and item.split = 'test'
        and gold.label is not null
        and a.head_label is not null
        and b.head_label is not null
)
select
    case grouping(source, step, length_range, kind)
        when 7 then 'source' when 11 then 'step' when 13 then 'length' else 'labels'
    end as dimension,
    coalesce(source, step, length_range, kind) as value,
    count(*) as n,
    count(*) filter (where not is_right_a and is_right_b) as num_fixed,
    count(*) filter (where is_right_a and not is_right_b) as num_broken
from paired
group by grouping sets ((source), (step), (length_range), (kind))
having coalesce(source, step, length_range, kind) is not null
order by dimension, value
