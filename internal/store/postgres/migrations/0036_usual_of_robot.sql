-- The workflows of a robot are read by the robot.

create index usual_robots_robot on usual_robots (robot_id);
