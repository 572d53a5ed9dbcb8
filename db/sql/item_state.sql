-- What else counts for a reviewer on items: their latest draft, their flag, the adjudication, the latest
-- version with another sense, and whether an item was set aside. Aggregates: a sort of the same few rows
-- takes twice as long.
select item_id, 'draft' as kind, arg_max(phase, draft_number) as name, arg_max(body, draft_number) as value
from draft
where item_id in ($item_ids) and reviewer_id = $reviewer_id
group by item_id
union all
select item_id, 'flag', arg_max(action, event_number), null
from review_event
where item_id in ($item_ids) and reviewer_id = $reviewer_id and action in ('flag', 'unflag')
group by item_id
union all
select item_id, 'decision', arg_max(label, adjudication_number), arg_max(item_version, adjudication_number)::varchar
from adjudication
where item_id in ($item_ids)
group by item_id
union all
select item_id, 'sense', max(version)::varchar, null
from item_version
where item_id in ($item_ids) and changes_sense
group by item_id
union all
select item_id, 'aside', arg_max(reason, set_aside_number), null
from set_aside
where item_id in ($item_ids)
group by item_id
having arg_max(is_set_aside, set_aside_number)
