-- How many items were answered alike under the same version of the guidelines: the version ('' for
-- none), the first day it was used, and all answers to an item, each a list of labels.
-- $label_set, $origin, $phase, $source (null: all)
select version, min(since) over (partition by version) as since, answers, num_items
from (
    select version, min(since) as since, answers, count(*) as num_items
    from (
        select
            coalesce(annotation.guideline_version, '') as version,
            min(annotation.created_at) as since,
            list_sort(list(rating.labels)) as answers
        from rating
        join annotation on annotation.annotation_id = rating.annotation_id
        join item on item.item_id = rating.item_id
        anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = rating.item_id
        where item.label_set = $label_set
            and rating.origin = $origin
            and rating.phase = $phase
            and ($source is null or item.source = $source)
        group by rating.item_id, coalesce(annotation.guideline_version, '')
    )
    group by version, answers
)
order by since, version, answers
