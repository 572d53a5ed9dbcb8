-- Whether there are items that no run has answered.
select exists (select item_id from item anti join stored_prediction using (item_id))
