-- Open items for one reviewer, in the order in which they should come: not done by the reviewer and
-- with a place left that nobody else has taken or reserved. Put off (skipped) ones come last.
-- first_position, last_position: the part of the queue to look at. exclude: items to leave out.
-- viewer, is_blind: of items that wait for the reviewer's blind label elsewhere a blind queue gives
-- those that it has no label of; others give none.
-- present, absent: the people named who may label now, and who may no longer. Of a dealt queue what belongs
-- to someone present is kept for them; the share of who is absent is open to all its people.
with candidate as materialized (
    select item_id, "position"
    from queue_item
    anti join set_aside_item using (item_id)
    where queue_id = $queue_id
        and "position" between $first_position and $last_position
        and not list_contains($exclude::varchar[], item_id)
),
-- Narrowed to the candidates before anything else: most of a long queue is not looked at.
row_of_candidate as materialized (
    select annotation_id, retracted_annotation_id, item_id, reviewer_id, phase, action
    from annotation
    semi join candidate using (item_id)
    where queue_id = $queue_id
),
labelled as (
    select item_id, reviewer_id, bool_or(phase <> 'blind') as is_done
    from row_of_candidate
    where action = 'label'
        and annotation_id not in (
            select retracted_annotation_id from row_of_candidate where action = 'retract'
        )
    group by item_id, reviewer_id
),
held as (
    select item_id, reviewer_id
    from reservation
    where queue_id = $queue_id
        and created_at > $oldest::timestamp
        and not list_contains($absent::varchar[], reviewer_id)
    group by item_id, reviewer_id
    having arg_max(expires_at, reservation_number) > $now::timestamp
),
taken as materialized (
    select item_id, reviewer_id from labelled union select item_id, reviewer_id from held
),
taken_by_others as (
    select item_id, count(*) as num_taken
    from taken
    where reviewer_id <> $reviewer_id
    group by item_id
),
owner as materialized (
    select item_id, reviewer_id
    from queue_share
    semi join candidate using (item_id)
    where queue_id = $queue_id
    qualify deal = max(deal) over (partition by item_id)
),
kept_for_others as (
    select item_id, count(*) as num_kept
    from owner
    anti join taken using (item_id, reviewer_id)
    where list_contains($present::varchar[], reviewer_id)
        and item_id not in (select item_id from owner where reviewer_id = $reviewer_id)
    group by item_id
),
skipped as (
    select item_id, max(event_number) as skipped_at
    from review_event
    where queue_id = $queue_id and reviewer_id = $reviewer_id and action = 'skip'
    group by item_id
)
select candidate.item_id, candidate."position"
from candidate
anti join (
    select item_id from labelled where reviewer_id = $reviewer_id and is_done
) as mine using (item_id)
anti join (
    select item_id
    from scratch.hidden_item($viewer)
    where not $is_blind or item_id in (select item_id from labelled where reviewer_id = $reviewer_id)
) as withheld using (item_id)
left join taken_by_others using (item_id)
left join kept_for_others using (item_id)
left join skipped using (item_id)
where coalesce(num_taken, 0) + coalesce(num_kept, 0) < $num_reviewers
    and (skipped.skipped_at is null or $with_skipped)
order by skipped.skipped_at nulls first, candidate."position"
limit $limit
