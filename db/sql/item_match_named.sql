-- The stored items of names that come without their question: of the same id, else of a question
-- that the text next to the name contains. Texts are searched up to $max_pairs pairs.
with pair as (
    select (select count(*) from incoming_place) * (select count(*) from item) as num_pairs
),
by_id as (
    select incoming_place.item_id as incoming_id, item.item_id, item.labels
    from incoming_place
    join item using (item_id)
),
by_text as (
    select
        incoming_place.item_id as incoming_id,
        arg_max(item.item_id, length(item.question)) as item_id,
        arg_max(item.labels, length(item.question)) as labels
    from incoming_place
    anti join by_id on by_id.incoming_id = incoming_place.item_id
    join item
        on length(item.question) >= 15
        and contains(
            lower(regexp_replace(incoming_place.place, '\s+', ' ', 'g')),
            lower(regexp_replace(trim(item.question), '\s+', ' ', 'g'))
        )
    cross join pair
    where pair.num_pairs <= $max_pairs
        and incoming_place.place <> ''
    group by incoming_place.item_id
)
select incoming_id, item_id, labels from by_id
union all by name
select incoming_id, item_id, labels from by_text
