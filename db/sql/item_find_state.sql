-- The version that last changed the sense of an item, and why the item was set aside; null each where not.
select
    (select max(version) from item_version where item_id = $item_id and changes_sense),
    (
        select case when arg_max(is_set_aside, set_aside_number) then arg_max(reason, set_aside_number) end
        from set_aside
        where item_id = $item_id
    )
