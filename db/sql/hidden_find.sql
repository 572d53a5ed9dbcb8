-- Whether an item is hidden from a viewer. An aggregate: see waiting_item in scratch.sql.
select count(*) from scratch.hidden_item($viewer) where item_id = $item_id
