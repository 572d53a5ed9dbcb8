-- The version that last changed the sense of an item, 1 where none did; and why it is set aside, or null.
select
    coalesce((select max(version) from sense_change where item_id = $item_id), 1),
    (select reason from set_aside_item where item_id = $item_id)
