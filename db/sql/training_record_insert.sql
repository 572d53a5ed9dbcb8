insert into training_record by name
select * from incoming_training_record
