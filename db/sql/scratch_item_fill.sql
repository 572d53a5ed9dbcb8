-- Ranges of years and lengths are what slices are made of.
insert into scratch.item by name
with described as (
    select
        (row_number() over (order by arrival) - 1)::integer as item_no,
        item_id,
        source,
        split,
        label_set,
        labels,
        try_cast(json_extract_string(metadata, '$.year') as integer) as year,
        case
            when json_type(metadata, '$.mesh') = 'ARRAY'
                then list_distinct(json_extract_string(metadata, '$.mesh[*]'))
        end as mesh,
        json_extract_string(metadata, '$.step') as step,
        -- What is asked stands at the end of a vignette, alone or as the last sentence.
        lower(regexp_extract(question, '([^.?!]+)[.?!:]*\s*$', 1)) as asked,
        length(question)
        + coalesce(list_sum(list_transform(context, lambda part: length(part."text"))), 0)
            as characters,
        len(labels) as num_labels
    from item
)
select
    described.item_no,
    described.item_id,
    described.source,
    described.split,
    described.label_set,
    described.labels,
    gold.imported_label,
    gold.label as record_label,
    gold.origin as record_origin,
    case
        when year is not null
            then (year // 5 * 5)::varchar || ' to ' || (year // 5 * 5 + 4)::varchar
    end as year_range,
    mesh,
    step,
    case
        when asked like '%which of the following%' then 'which of the following'
        else coalesce(
            nullif(
                regexp_extract(
                    trim(asked),
                    '^(does|do|did|is|are|was|were|can|could|should|has|have|will|would|may|what|which|how|why|who|when)\b',
                    1
                ),
                ''
            ),
            'other wording'
        )
    end as question_type,
    case
        when characters < 500 then 'under 500 characters'
        when characters < 1000 then '500 to 999 characters'
        when characters < 1500 then '1,000 to 1,499 characters'
        when characters < 2500 then '1,500 to 2,499 characters'
        else '2,500 characters and more'
    end as length_range,
    num_labels::varchar as num_options
from described
join gold on gold.item_id = described.item_id
