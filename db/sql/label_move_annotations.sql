-- Carry what was taken back over to the labels of now, in the name and with the time of who said it; but
-- not where a label was retired. before[i] became moved[i], null: retired.
insert into annotation by name
select
    said.* exclude (annotation_number) replace (
        said.annotation_id || $suffix as annotation_id,
        label_of(carried.labels, item.is_several) as label,
        carried.labels as labels,
        taken_back.item_version as item_version,
        null::varchar as shown_digest
    )
from annotation as taken_back
join annotation as said on said.annotation_id = taken_back.retracted_annotation_id
join every_item as item on item.item_id = said.item_id
join (
    select
        annotation_id,
        list_filter(
            $after::varchar[],
            lambda kept: list_contains(
                list_transform(labels, lambda label: ($moved::varchar[])[list_position($before::varchar[], label)]),
                kept
            )
        ) as labels,
        len(list_filter(
            labels, lambda label: ($moved::varchar[])[list_position($before::varchar[], label)] is null
        )) as num_retired
    from annotation
) as carried on carried.annotation_id = said.annotation_id
where taken_back.annotation_id = said.annotation_id || $suffix || '/retracted'
    and carried.num_retired = 0
order by said.annotation_number
